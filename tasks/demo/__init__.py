"""The demo in a browser: pictures, questions and marks in; answers as they are written, drawn and scored, out."""
