"""A class on the screens: the teacher leads from the lesson's panel, pupils' screens follow.

membership  whose session this is: a teacher's, a pupil's of a class, nobody's
following   a pupil's page goes where the class goes; the line that says so
answering   a pupil's question: the answer goes to the teacher's screen, the verdict waits
leading     the teacher's part of the panel: bars that grow, lock, reveal, CSV
picture     the bars
"""
