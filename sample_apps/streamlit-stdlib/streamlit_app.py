"""A page whose requirements name a module of the standard library."""

import math

import streamlit as st

st.write(math.pi)
