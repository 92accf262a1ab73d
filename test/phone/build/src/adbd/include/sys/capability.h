/* adbd includes this header for capability calls that are compiled out; libcap is not needed. */
