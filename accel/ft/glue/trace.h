#include "trace/trace-accel_ft_glue.h"
