/** Statements that bring the tables from one version to the next. Once released, a step never changes. */
export type Migration = readonly string[];
