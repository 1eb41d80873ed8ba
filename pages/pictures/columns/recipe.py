"""The lines of a program that make a table of every token of texts in columns.

They stand behind lines that bind `texts`, as `Engine.write` gives them; they bind `rows` and
`table`, as `pages.pictures.columns.sheet.table` has its columns.
"""

TOKENS = """
        rows = [(c, place) for c, one in enumerate(texts) for place in range(len(one.ids))]
        tokens = [texts[column].tokens[place] for column, place in rows]
        table = {
            "column": [column + 1 for column, _ in rows],
            "position": [place + 1 for _, place in rows],
            "id": [one.id for one in tokens],
            "text": [texts[column].texts[place] for column, place in rows],
            "probability": [one.probability for one in tokens],
            "after_filters": [one.after for one in tokens],
            "rank": [one.rank for one in tokens],
            "kept": [one.kept for one in tokens],
            "entropy_bits": [one.entropy for one in tokens],
            "forced": [one.forced for one in tokens],
        }
"""
