/* Without the bundle (a build without npm) the page still leads to the document. */
if (window.SwaggerUIBundle) {
  window.SwaggerUIBundle({ url: "/api/docs.json", dom_id: "#ui", deepLinking: true, persistAuthorization: false });
} else {
  document.getElementById("ui").innerHTML = '<p>The document: <a href="/api/docs.json">/api/docs.json</a></p>';
}
