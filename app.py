"""Home, and the server of all pages.

`streamlit run app.py` imports this file for the `st.App` in it, with the headers of
`pages.shell.client.headers` on every answer what `pages.shell.host` stands for (its routes give
numbers to programs and figures to hosts), and the way of short links (`pages.shell.links.route`);
each look at Home then runs the file as a script.
"""

if __name__ == "__main__":
    from pages.home.page import page

    page()
else:
    # Nothing else is imported here: components can be registered only once the server runs.
    import streamlit as st

    from pages.shell.client.headers import MIDDLEWARE
    from pages.shell.host.guard import GUARD
    from pages.shell.host.life import life
    from pages.shell.host.numbers import number_routes
    from pages.shell.host.routes import ROUTES
    from pages.shell.links.route import routes

    app = st.App(
        __file__,
        middleware=(*MIDDLEWARE, *GUARD),
        routes=[*ROUTES, *number_routes(), *routes()],
        lifespan=life,
    )
