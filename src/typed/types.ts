import type { StandardSchemaV1 } from "@standard-schema/spec";

/**
 * A schema for each pattern of channel names, of any library that follows Standard Schema. This type itself stands for a
 * cluster without schemas: the data of each channel is unknown.
 */
export type ChannelSchemas = Readonly<Record<string, StandardSchemaV1>>;

/** The names that fit a pattern: `*` stands for any text, and so does `?` here. */
type NameLike<Pattern extends string> = Pattern extends `${infer Head}*${infer Tail}`
  ? `${NameLike<Head>}${string}${NameLike<Tail>}`
  : Pattern extends `${infer Head}?${infer Tail}`
    ? `${NameLike<Head>}${string}${NameLike<Tail>}`
    : Pattern;

type Fitting<Schemas, Name extends string> = {
  [Pattern in keyof Schemas & string]: Name extends NameLike<Pattern> ? Pattern : never;
}[keyof Schemas & string];

/** The data of a channel; unknown where no schema is for it, or where its name is known only at run time. */
export type DataOf<Schemas, Name extends string> = [Fitting<Schemas, Name>] extends [never]
  ? unknown
  : Schemas[Fitting<Schemas, Name>] extends infer Schema extends StandardSchemaV1
    ? StandardSchemaV1.InferInput<Schema>
    : never;

/** Data that each of some channels takes. */
export type DataOfAll<Schemas, Name extends string> = (
  Name extends string ? (data: DataOf<Schemas, Name>) => void : never
) extends (data: infer Data) => void
  ? Data
  : never;
