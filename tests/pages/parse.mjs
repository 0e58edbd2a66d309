// Charts as a JSON list on stdin; what Mermaid's own parser makes of them as a JSON list on stdout.
import DOMPurify from "dompurify";
import mermaid from "mermaid";

// Mermaid cleans titles by it, which needs a browser.
DOMPurify.addHook ??= () => {};
DOMPurify.sanitize ??= (words) => words;

mermaid.initialize({ maxTextSize: 50000, maxEdges: 500, securityLevel: "strict" });
let text = "";
for await (const part of process.stdin) text += part;
const found = [];
for (const chart of JSON.parse(text)) {
  try {
    if (chart.length > 50000) throw new Error("Maximum text size in diagram exceeded");
    await mermaid.parse(chart);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(chart);
    const tasks = diagram.db.getTasks().map((task) => ({
      section: task.section,
      text: task.task.trim(),
      start: task.startTime.getTime(),
      end: task.endTime.getTime(),
      crit: Boolean(task.crit),
    }));
    found.push({ tasks });
  } catch (error) {
    found.push({ error: String(error) });
  }
}
console.log(JSON.stringify(found));
