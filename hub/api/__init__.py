"""The JSON door 接口: endpoints that call a service and shape its reply; wire schemas live here."""
