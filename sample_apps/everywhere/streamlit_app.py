"""The same greeting as a Streamlit page."""

import streamlit as st

from greeting import greeting

st.title("Everywhere")
st.write(greeting("Streamlit"))
