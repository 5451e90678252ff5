"""What the imputation benchmark is made of: tables, removal of values, methods and measures."""
