"""The lesson that travels with a learner through the pages: its panel, questions and progress."""
