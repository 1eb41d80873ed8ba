from pages.embeddings.page import page

page()
