/* wabox-media's life: walls, one request, its steps, one result, end.
 *
 *   descriptor 3   the channel to waboxd: one md_request in, one md_result out
 *   descriptor 4   the file to look at, read only
 *   descriptor 5   the output (MD_PREPARE), read and write, empty
 */
#ifndef BOX_SERVE_H
#define BOX_SERVE_H

/* tool_paths: folders of ffmpeg and poppler, separated by ':'. Returns the exit status: 0 when a
 * result was sent, whatever it says. */
int box_serve(const char *tool_paths);

#endif
