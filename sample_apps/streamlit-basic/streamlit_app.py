"""One page with a table and a chart."""

import pandas as pd
import streamlit as st

st.title("Tides")
hours = st.slider("Hours", 1, 24, 12)
table = pd.DataFrame({"hour": range(hours), "level": [abs(12 - hour) for hour in range(hours)]})
st.line_chart(table, x="hour", y="level")
