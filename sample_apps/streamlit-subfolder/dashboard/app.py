import helper
import streamlit as st

st.title("Visits")
with open("data/visits.csv") as file:
    st.line_chart(helper.numbers(file))
