"""Short links: what a page shows, stored under ten characters that follow from it.

    state      what a link says (`SharedState`), its one way of being written, its id
    store      SQLite file of links: bounded, shared by processes, forgotten after two years
    repair     a damaged file is set aside, and what can still be read goes into a new one
    allowance  new links a day by address
    files      one file out, one file in

    python -m engine.links export FILE | import FILE | list

Knows the names of pages and of controls as words only: what they mean is the pages' business.
"""
