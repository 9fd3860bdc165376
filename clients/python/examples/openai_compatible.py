"""
Streams from an OpenAI-compatible endpoint (OpenAI, Azure OpenAI, vLLM, Ollama, llama.cpp), with the standard library alone.
REDIS_URL=… OPENAI_BASE_URL=http://localhost:11434/v1 OPENAI_API_KEY=… OPENAI_MODEL=… python3 openai_compatible.py
"""

import asyncio
import json
import logging
import os
import ssl
import urllib.parse
from collections.abc import AsyncIterator

from konstruct_worker import Message, Worker

URL = urllib.parse.urlsplit(os.environ["OPENAI_BASE_URL"] + "/chat/completions")


async def answer(message: Message) -> AsyncIterator[str]:
    body = json.dumps({"model": os.environ["OPENAI_MODEL"], "stream": True, "messages": [{"role": "user", "content": message.text}]}).encode()
    async for line in post(body, message.traceparent):
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                yield choice["delta"].get("content") or ""


async def post(body: bytes, traceparent: str | None) -> AsyncIterator[bytes]:
    """The lines of the reply. HTTP/1.0: the reply is not chunked, and ends with the connection."""
    headers = {"Host": URL.netloc, "Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"} if "OPENAI_API_KEY" in os.environ else {}
    headers |= {"traceparent": traceparent} if traceparent else {}
    is_secure = URL.scheme == "https"
    tls = ssl.create_default_context() if is_secure else None
    reader, writer = await asyncio.open_connection(URL.hostname, URL.port or (443 if is_secure else 80), ssl=tls, limit=1 << 20)
    try:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST {URL.path} HTTP/1.0\r\n{head}\r\n".encode() + body)
        status = await reader.readline()
        if b" 200 " not in status:
            raise RuntimeError(f"The model's endpoint answered {status.decode().strip()}.")
        async for line in reader:
            yield line
    finally:
        writer.close()


logging.basicConfig(level=logging.INFO)
Worker(os.environ["REDIS_URL"]).run(answer)
