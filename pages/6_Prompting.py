from pages.prompting.page import page

page()
