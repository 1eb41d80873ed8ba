from pages.models.page import page

page()
