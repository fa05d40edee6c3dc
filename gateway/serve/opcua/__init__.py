"""The OPC UA server: a program's variables by the PLCopen model, served from scan frames.

Channel, session and browsing of the standard's own nodes are the library's (`asyncua`). Reading and
monitoring of the program's variables, which is done for thousands of values a second, is done here.
"""
