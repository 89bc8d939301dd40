import shutil

import streamlit as st

st.title("Words in a picture")
program = shutil.which("tesseract")
st.write(f"tesseract is {program or 'not here'}")
