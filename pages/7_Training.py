from pages.training.page import page

page()
