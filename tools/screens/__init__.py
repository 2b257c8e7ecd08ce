"""Takes a picture of every screen, in both languages, for docs/screens: `python -m tools.screens`.

Starts a real server with the demo organisation and goes through a day's work in Chromium, at phone
width; a few screens again in the dark theme and at desktop width. The pictures are there to be
looked at: nothing is asserted but that each screen can be reached. Each round can be taken alone:

    python -m tools.screens --languages en --only technician,conflict
"""
