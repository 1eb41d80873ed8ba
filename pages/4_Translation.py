from pages.translation.page import page

page()
