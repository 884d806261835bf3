"""The gate for CI: runs against a baseline under rules, the verdict, and the files that a CI server shows."""
