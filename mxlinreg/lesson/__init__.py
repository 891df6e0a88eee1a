"""The chapter as a page to play with.

`recorder` trains the chapter's model and notes each step. `page` puts the recording, the sources
of the chapter's functions and the files beside it (`page.html`, `style.css` and the scripts) into
one self-contained HTML file.
"""
