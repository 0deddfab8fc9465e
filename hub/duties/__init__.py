"""What somebody owes by when 时限: rules as data, deadlines in working days, what is owed and done."""
