"""OPC UA binary (part 6), the services with many values only: bytes in, numbers and arrays out.

Sans-I/O. Channel, session and everything that happens once are the library's (`asyncua`); what is
done for each value of each cycle is done here, with NumPy where rows are alike.
"""
