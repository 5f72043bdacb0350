/* The page for the browser: page.html, made into C by embed.py. */
#ifndef AGENT_HTTP_PAGE_H
#define AGENT_HTTP_PAGE_H

extern const char page_text[];

#endif
