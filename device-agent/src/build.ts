declare const KHEADERS_AGENT_BUILD: string | undefined;

/** Names the sources this file was built from (scripts/build-agent); host and agent must have the same. */
export const build = typeof KHEADERS_AGENT_BUILD === 'string' ? KHEADERS_AGENT_BUILD : 'source';
