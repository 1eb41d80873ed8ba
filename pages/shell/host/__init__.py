"""What stands between the app and those who come: a guard, a queue, routes for monitoring."""
