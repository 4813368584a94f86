"""What a FastAPI service does where Tiro is measured: a token check with PyJWT, a small answer, an upload into a plain file,
event streams. Prints a token, then serves: fastapi_app.py PORT FOLDER."""
import asyncio
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import StreamingResponse
from python_multipart.multipart import MultipartParser, parse_options_header

SECRET, ISSUER = "a secret of at least thirty-two bytes", "tiro"
FOLDER = Path(sys.argv[2])
app = FastAPI()
followers = set()


async def current_user(authorization: Annotated[str, Header()]):
    scheme, _, token = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise jwt.InvalidTokenError
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], issuer=ISSUER, options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError:
        raise HTTPException(401, "the token is not valid") from None
    return claims["sub"]


User = Annotated[str, Depends(current_user)]


@app.get("/small/{file_id}")
async def small(file_id: str, user: User):
    return {"code": "NOT_FOUND", "message": "there is no such file", "details": {}}


@app.post("/upload", status_code=201)
async def upload(request: Request, user: User):
    """python-multipart on the stream, straight into the file: UploadFile would write it twice."""
    _, options = parse_options_header(request.headers["content-type"])
    path = FOLDER / uuid.uuid4().hex
    with open(path, "wb", buffering=0) as f:
        parser = MultipartParser(options[b"boundary"],
                                 {"on_part_data": lambda data, start, end: f.write(memoryview(data)[start:end])})
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
        size = f.tell()
    path.unlink()
    return {"size": size}


@app.get("/events")
async def events(user: User):
    async def told():
        queue = asyncio.Queue()
        followers.add(queue)
        try:
            yield ": begun\n\n"
            while True:
                yield await queue.get()
        finally:
            followers.discard(queue)

    return StreamingResponse(told(), media_type="text/event-stream")


@app.post("/events")
async def tell(user: User):
    for queue in followers:
        queue.put_nowait("event: upload_progress\ndata: {}\n\n")
    return {}


def main():
    claims = {"sub": str(uuid.uuid4()), "iss": ISSUER, "exp": time.time() + 36000}
    print(jwt.encode(claims, SECRET, algorithm="HS256"), flush=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False,
                log_level="warning")


if __name__ == "__main__":
    main()
