from pages.learn.page import page

page()
