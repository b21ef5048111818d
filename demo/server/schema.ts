/**
 * `channels.seq` is the last number given out in the channel; the row is the lock under which numbers are given out.
 * `messages.body` is the JSON text of `{ content, ...extra }`: text rather than jsonb, because jsonb refuses \u0000 and
 * lone surrogates, which JSON strings may hold.
 */
export const SCHEMA: readonly string[] = [
  `create table if not exists users (id text primary key, name text not null)`,
  `create table if not exists channels (
    id text primary key, name text not null, is_open boolean not null default false, seq bigint not null default 0)`,
  `create table if not exists members (
    channel_id text not null references channels, user_id text not null references users,
    delivered bigint not null default 0, read bigint not null default 0,
    primary key (channel_id, user_id))`,
  `create index if not exists members_of_user on members (user_id)`,
  `create table if not exists messages (
    id text primary key, channel_id text not null references channels, seq bigint not null,
    user_id text not null, body text not null, created_at bigint not null,
    unique (channel_id, seq))`,
]
