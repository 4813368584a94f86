"""Makes a wheel "tiro-test-model" 1.0 that carries a file in two halves: make_wheel.py FILE FOLDER"""
import sys
import zipfile

INFO = "tiro_test_model-1.0.dist-info"
source, folder = sys.argv[1:3]
with open(source, "rb") as file:
    data = file.read()
half = len(data) // 2
members = {
    "tiro_test_model/part1": data[:half],
    "tiro_test_model/part2": data[half:],
    f"{INFO}/METADATA": b"Metadata-Version: 2.1\nName: tiro-test-model\nVersion: 1.0\n",
    f"{INFO}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": b"",
}
with zipfile.ZipFile(f"{folder}/tiro_test_model-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    for name, content in members.items():
        wheel.writestr(name, content)
