import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./api-docs.css";
import documentUrl from "../../gen/openapi/taproom.openapi.json?url";

async function show(): Promise<void> {
  const answer = await globalThis.fetch(documentUrl);
  const document: Record<string, unknown> = await answer.json();
  SwaggerUI({
    dom_id: "#api-docs",
    // Requests go to the origin that served this page.
    spec: { ...document, servers: [{ url: window.location.origin }] },
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
}

void show();
