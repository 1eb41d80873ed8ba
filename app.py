"""Home: what is loaded, on which device and why, and where to begin; and the server of all pages.

`streamlit run app.py` imports this file for the `st.App` in it, which puts the headers of
`pages.shell.headers` on every answer; each look at Home then runs the file as a script.
"""

if __name__ == "__main__":
    from pages.home import add
    from pages.home import path as home
    from pages.home.cards import section as home_cards
    from pages.shell.frame import frame, sentences

    choice = frame(
        "Home",
        families=("encoder-decoder", "decoder", "encoder"),
        intro="Type a text, watch a real transformer read it and write it, share what you see with "
        "a link. Point at any token in the picture to follow it upwards; click to hold it.",
    )
    with sentences():
        home.path(choice)
    with sentences():
        home_cards.cards()
    with sentences():
        home_cards.models()
    with sentences():
        add.add()
        add.delete()
else:
    # Nothing else is imported here: components can be registered only once the server runs.
    import streamlit as st

    from pages.shell.headers import MIDDLEWARE

    app = st.App(__file__, middleware=MIDDLEWARE)
