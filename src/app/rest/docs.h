/* Documents made from the route table: OpenAPI 3.1, a Postman collection (Insomnia
 * imports it too), and the page under /api/docs.
 */
#ifndef WB_DOCS_H
#define WB_DOCS_H

#include "app/rest/request.h"

struct wb_route_list;

/* Each appends the whole document. */
int wb_openapi_write(const struct wb_route_list *routes, struct bx_buf *out);
int wb_postman_write(const struct wb_route_list *routes, struct bx_buf *out);

int wb_docs_openapi(struct wb_request *rq);
int wb_docs_postman(struct wb_request *rq);
int wb_docs_page(struct wb_request *rq);
int wb_docs_file(struct wb_request *rq);

extern const struct wb_schema wb_document_shape;

#endif
