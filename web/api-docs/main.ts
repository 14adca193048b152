import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./api-docs.css";
import documentUrl from "../../gen/openapi/taproom.openapi.json?url";

// Requests go to the origin that served this page, whatever server the document names.
SwaggerUI({
  domNode: document.getElementById("api-docs"),
  url: documentUrl,
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor: (request) => {
    const { pathname, search } = new URL(request.url, window.location.href);
    request.url = window.location.origin + pathname + search;
    return request;
  },
});
