/* Documents made from the tables: OpenAPI 3.1, AsyncAPI 3.0, API.md, a Postman collection (Insomnia
 * imports it too), and the page under /api/docs.
 */
#ifndef WB_DOCS_H
#define WB_DOCS_H

#include "app/rest/request.h"

/* Each appends the whole document. */
int wb_openapi_write(struct bx_buf *out);
int wb_asyncapi_write(struct bx_buf *out);
int wb_api_md_write(struct bx_buf *out);
int wb_postman_write(struct bx_buf *out);

int wb_docs_openapi(struct wb_request *rq);
int wb_docs_asyncapi(struct wb_request *rq);
int wb_docs_postman(struct wb_request *rq);
int wb_docs_page(struct wb_request *rq);
int wb_docs_file(struct wb_request *rq);

extern const struct wb_schema wb_document_shape;

#endif
