"""What AINL is: compiler verdicts, canonical form, and our stricter static checks."""
