import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./api-docs.css";
import documentUrl from "../../gen/openapi/taproom.openapi.json?url";

type ApiDocument = { servers?: { url: string }[]; components: { schemas: Record<string, object> } };

/** Adapts the document to this page: requests go to the origin that served it, and are written as JSON. */
function adapt(document: ApiDocument): ApiDocument {
  const schemas = { ...document.components.schemas, encoding: { enum: ["json"], default: "json" } };
  return {
    ...document,
    servers: [{ url: window.location.origin }],
    components: { ...document.components, schemas },
  };
}

async function show(): Promise<void> {
  const answer = await globalThis.fetch(documentUrl);
  SwaggerUI({
    dom_id: "#api-docs",
    spec: adapt(await answer.json()),
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
