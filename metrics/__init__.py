"""The numbers: one module per metric family; arrays and strings in, numbers out."""
