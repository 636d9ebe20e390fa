"""Submit a recipe to a service, watch it, and look at what came out.

winnow serve &
python examples/submit_and_watch.py path/to/shards/ curated/
"""

from __future__ import annotations

import sys

from winnow.client import Client

STRICTER = ["rules.word_count.min=100"]


def main(shards: str, curated: str) -> None:
    with Client() as client:
        job = client.submit("fineweb", [shards], output=curated, labels={"example": "submit_and_watch"})
        print(f"{job.id}: Ctrl-C leaves it running; winnow watch {job.id} comes back to it")
        job.wait(progress=True)
        for step in job.funnel():
            print(f"{step['title']:<30}{step['documents']:>12,}  left {step['left_documents']:>12,}")
        for document in job.samples(outcome="removed", size=3):
            print(document["doc_id"], [f"{f['rule']}: {f['value']}, wanted {f['bound']}" for f in document["failed"]])
        print(f"with {STRICTER}:", job.preview(changes=STRICTER)["proposed"]["kept"])
        answer = client.sql(
            "select file_path, count(*) as n from documents group by 1 order by 2 desc limit 5", job=job.id
        )
        print(answer.to_arrow().to_pylist())


if __name__ == "__main__":
    main(*sys.argv[1:])
