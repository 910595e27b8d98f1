"use strict";

const target = document.getElementById("swagger-ui");
SwaggerUIBundle({
  domNode: target,
  url: target.dataset.schema,
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
