"""What is asked and what is true: readers of official files and the sample world."""
