import streamlit as st

st.title("Hello")
st.line_chart({"visits": [3, 1, 4, 1, 5]})
