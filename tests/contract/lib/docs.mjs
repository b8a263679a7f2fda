// The route table as the server publishes it.
export async function operations(server) {
  const document = await (await fetch(`${server.base}/api/docs.json`)).json();
  const rows = [];
  for (const [path, item] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(item))
      rows.push({ path, method: method.toUpperCase(), operation, access: operation["x-access"], scope: operation["x-scope"] });
  return { document, rows };
}
export const hasRoute = ({ rows }, method, path) => rows.some((row) => row.method === method && row.path.replaceAll(/\{[^}]+\}/g, "{}") === `/api/v1${path}`);
