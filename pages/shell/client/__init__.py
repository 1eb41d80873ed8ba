"""What lies between the pages and a browser: headers, who is there, what it keeps, typing."""
