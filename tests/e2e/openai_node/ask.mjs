// Asks a server for a transcription as a user of the official client does: ask.mjs FILE FORMAT. Prints what comes as JSON.
import fs from "node:fs";
import OpenAI from "openai";

const [file, format] = process.argv.slice(2);
const client = new OpenAI(); // OPENAI_BASE_URL, OPENAI_API_KEY
const words = format === "verbose_json" ? { timestamp_granularities: ["word", "segment"] } : {};
const said = await client.audio.transcriptions.create({
  file: fs.createReadStream(file),
  model: "whisper-1",
  language: "en",
  response_format: format,
  ...words,
});
const models = await client.models.list();
console.log(JSON.stringify({ said, models: models.data.map((model) => model.id) }));
