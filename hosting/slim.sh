#!/bin/sh
# Remove from an environment what the app never opens: sh slim.sh /venv
set -eu
cd "$1"/lib/python3*/site-packages
find . -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
find . -type d -name __pycache__ -prune -exec rm -rf {} +
rm -rf pyarrow/include pyarrow/src pydeck/nbextension plotly/labextension \
  onnxruntime/transformers onnxruntime/tools onnxruntime/quantization
# Arrow without its network and cloud parts, which nothing else of it is linked to.
rm -f pyarrow/libarrow_flight* pyarrow/libarrow_python_flight* pyarrow/_flight* \
  pyarrow/libarrow_s3* pyarrow/_s3fs*
rm -rf pip setuptools pkg_resources ../../../bin/pip*
