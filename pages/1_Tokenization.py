from pages.tokenization.page import page

page()
